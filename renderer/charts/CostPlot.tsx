import { type RefObject, useEffect, useRef, useState } from 'react';
import type uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { MeterReport } from '../../shared/cost.ts';
import { formatUsd } from '../../shared/money.ts';
import { dayRange, daySplits } from './dayScale.ts';

interface CostPlotProps {
  readonly days: MeterReport['days'];
  /** USD; null: none. */
  readonly budget: number | null;
}

const height = 168;
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** What a month has come to, day by day. Drawn for the eye only: the caller gives the summary and the table. */
export function CostPlot({ days, budget }: CostPlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef({ days, budget });
  latest.current = { days, budget };
  const [drawable, setDrawable] = useState(true);
  useEffect(() => {
    let gone = false;
    let stop: (() => void) | undefined;
    // Where it can't be drawn the summary and the table must do.
    import('uplot').then(
      ({ default: Plot }) => {
        if (!gone && host.current) stop = draw(Plot, host.current, plot, () => plotData(latest.current));
      },
      () => setDrawable(false),
    );
    return () => {
      gone = true;
      stop?.();
    };
  }, []);
  useEffect(() => void plot.current?.setData(plotData({ days, budget })), [days, budget]);
  return drawable ? <div ref={host} className="plot" aria-hidden="true" /> : null;
}

function draw(
  Plot: typeof uPlot,
  element: HTMLElement,
  plot: RefObject<uPlot | null>,
  data: () => uPlot.AlignedData,
): () => void {
  const scheme = window.matchMedia('(prefers-color-scheme: dark)');
  const again = () => {
    plot.current?.destroy();
    plot.current = new Plot(options(element), data(), element);
  };
  again();
  const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
  resized.observe(element);
  scheme.addEventListener('change', again);
  return () => {
    scheme.removeEventListener('change', again);
    resized.disconnect();
    plot.current?.destroy();
    plot.current = null;
  };
}

/** Running sums: requests below, storage on top. */
export function plotData({ days, budget }: CostPlotProps): uPlot.AlignedData {
  let requests = 0;
  let all = 0;
  const points = days.map((each) => {
    requests += each.requestUsd;
    all += each.requestUsd + each.addedStorageUsd;
    return { at: Date.parse(each.day) / 1000, requests, all };
  });
  return [
    points.map(({ at }) => at),
    points.map((point) => point.all),
    points.map((point) => point.requests),
    points.map(() => budget),
  ];
}

function options(element: HTMLElement): uPlot.Options {
  // A canvas can't take light-dark(): a probe element resolves each token.
  const colour = (name: string): string => {
    element.style.color = `var(${name})`;
    const value = getComputedStyle(element).color;
    element.style.color = '';
    return value;
  };
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const grid = { stroke: colour('--line'), width: 1 };
  const axis = { stroke: colour('--ink-2'), font, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height,
    // The last day stands on the edge: half of its name needs room beside it.
    padding: [10, 24, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      // Not the range that is handed in: around a single day that one spans years.
      x: { time: true, range: (self) => dayRange(self.data[0]) },
      y: {
        range: (_self, _from, to) => [0, to > 0 ? to * 1.1 : 1],
      },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        size: 28,
        splits: (self, _axis, from, to) => daySplits(from, to, Math.floor(self.width / 90)),
        values: (_self, ticks) => ticks.map((tick) => day.format(tick * 1000)),
      },
      { ...axis, grid, size: 84, space: 36, values: (_self, ticks) => ticks.map((tick) => formatUsd(tick)) },
    ],
    series: [
      {},
      { stroke: colour('--accent'), fill: colour('--accent-soft'), width: 1.75 },
      { stroke: colour('--ink-2'), width: 1.5, dash: [2, 3] },
      { stroke: colour('--warn'), width: 1.5, dash: [6, 5], points: { show: false } },
    ],
  };
}
