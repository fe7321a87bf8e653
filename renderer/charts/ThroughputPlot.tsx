import { type RefObject, useEffect, useRef, useState } from 'react';
import type uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { RateSample } from '../../shared/syncApi.ts';
import { formatRate } from '../../shared/units.ts';
import { fitScale } from './fitScale.ts';

interface ThroughputPlotProps {
  readonly samples: readonly RateSample[];
  /** Bytes per second; null: none. */
  readonly limit: number | null;
}

const height = 168;
/** Seconds: the plot never spans less, so that a first sample isn't stretched over its whole width. */
const shortestSpan = 60;
/** Below this, ticks stand closer than a minute. */
const secondsBelow = 300;
const second = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** The last ten minutes. Drawn for the eye only: the caller gives the summary and the table. */
export function ThroughputPlot({ samples, limit }: ThroughputPlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef({ samples, limit });
  latest.current = { samples, limit };

  const [drawable, setDrawable] = useState(true);
  useEffect(() => {
    let gone = false;
    let stop: (() => void) | undefined;
    // Not part of the first paint. It refuses some locales (LANG=C) as it loads: then the summary and table must do.
    import('uplot').then(
      ({ default: Plot }) => {
        if (!gone) stop = drawPlot(Plot, host.current!, plot, () => plotData(latest.current));
      },
      () => setDrawable(false),
    );
    return () => {
      gone = true;
      stop?.();
    };
  }, []);

  useEffect(() => void plot.current?.setData(plotData({ samples, limit })), [samples, limit]);

  return drawable ? <div ref={host} className="plot" aria-hidden="true" /> : null;
}

function drawPlot(
  Plot: typeof uPlot,
  element: HTMLElement,
  plot: RefObject<uPlot | null>,
  data: () => uPlot.AlignedData,
): () => void {
  const scheme = window.matchMedia('(prefers-color-scheme: dark)');
  const draw = () => {
    plot.current?.destroy();
    plot.current = new Plot(options(element), data(), element);
  };
  draw();
  const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
  resized.observe(element);
  scheme.addEventListener('change', draw);
  return () => {
    scheme.removeEventListener('change', draw);
    resized.disconnect();
    plot.current?.destroy();
    plot.current = null;
  };
}

function plotData({ samples, limit }: ThroughputPlotProps): uPlot.AlignedData {
  const ends = samples.at(-1)?.at ?? 0;
  const shown = samples.filter(({ at }) => at > ends - 600_000);
  return [shown.map(({ at }) => at / 1000), shown.map(({ bytesPerSecond }) => bytesPerSecond), shown.map(() => limit)];
}

function options(element: HTMLElement): uPlot.Options {
  // A canvas can't take light-dark(): a probe element resolves each token.
  const colour = (name: string) => {
    element.style.color = `var(${name})`;
    const value = getComputedStyle(element).color;
    element.style.color = '';
    return value;
  };
  const [accent, soft, warn, ink, line] = ['--accent', '--accent-soft', '--warn', '--ink-2', '--line'].map(colour) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const axis = { stroke: ink, font, ticks: { show: false }, grid: { stroke: line, width: 1 } };
  return {
    width: element.clientWidth,
    height,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_self, from, to) => [Math.min(from, to - shortestSpan), to] },
      y: {
        range: (self) => [0, fitScale(self.data[1] as number[], (self.data[2]?.at(-1) as number | null) ?? null)],
      },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        size: 28,
        values: (_self, ticks) => {
          const format = (ticks.at(-1) ?? 0) - (ticks[0] ?? 0) < secondsBelow ? second : minute;
          return ticks.map((tick) => format.format(tick * 1000));
        },
      },
      {
        ...axis,
        size: 84,
        space: 36,
        values: (_self, ticks) => ticks.map((tick) => (tick === 0 ? '0' : formatRate(tick))),
        splits: (_self, _axis, _min, max) => [0, max / 4, max / 2, (max * 3) / 4, max],
      },
    ],
    series: [
      {},
      { stroke: accent, fill: soft, width: 1.75, points: { show: false } },
      { stroke: warn, width: 1.5, dash: [6, 5], points: { show: false } },
    ],
  };
}
