interface PartMapProps {
  /** TransferView.partMap */
  readonly map: string;
  readonly partsDone: number;
  readonly partCount: number;
}

const looks: Readonly<Record<string, string>> = { '#': 'done', '~': 'flying', '!': 'again', '.': 'waiting' };

/** One column per cell; height tells the state as well as colour. Said in words to screen readers. */
export function PartMap({ map, partsDone, partCount }: PartMapProps) {
  const cells = Array.from(map);
  const again = cells.filter((cell) => cell === '!').length;
  const words = `${partsDone} of ${partCount} parts sent${again > 0 ? ', some are being tried again' : ''}`;
  return (
    <svg
      className="part-map"
      role="img"
      aria-label={words}
      viewBox={`0 0 ${cells.length} 10`}
      preserveAspectRatio="none"
    >
      {runs(cells).map(({ cell, start, length }) => {
        const look = looks[cell] ?? 'waiting';
        const height = look === 'done' || look === 'again' ? 10 : look === 'flying' ? 6 : 2;
        return <rect key={start} className={`part-${look}`} x={start} y={10 - height} width={length} height={height} />;
      })}
    </svg>
  );
}

/** Neighbours of one state are drawn as one, so that 10,000 parts stay a handful of shapes. */
function runs(cells: readonly string[]): { cell: string; start: number; length: number }[] {
  const found: { cell: string; start: number; length: number }[] = [];
  cells.forEach((cell, index) => {
    const last = found.at(-1);
    if (last?.cell === cell) last.length++;
    else found.push({ cell, start: index, length: 1 });
  });
  return found;
}
