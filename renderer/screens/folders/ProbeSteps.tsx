import { CircleCheck, CircleX } from 'lucide-react';
import { useEffect, useRef } from 'react';
import type { ProbeResult } from '../../../shared/syncApi.ts';

export function ProbeSteps({ probe }: { readonly probe: ProbeResult }) {
  const list = useRef<HTMLUListElement>(null);
  // Each answer is brought into view.
  useEffect(() => void list.current?.scrollIntoView({ block: 'nearest' }), [probe]);
  return (
    <ul ref={list} className="probe" aria-label="Connection test">
      {probe.steps.map((step) => (
        <li key={step.name}>
          {step.ok ? (
            <CircleCheck size={17} className="ink-safe" aria-hidden />
          ) : (
            <CircleX size={17} className="ink-bad" aria-hidden />
          )}
          <div>
            <strong>{step.name}</strong>
            <span className="visually-hidden">{step.ok ? ' worked' : ' failed'}</span>{' '}
            <span className="muted">
              <bdi>{step.detail}</bdi>
            </span>
            {step.remedy && <p className="field-hint">{step.remedy}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
