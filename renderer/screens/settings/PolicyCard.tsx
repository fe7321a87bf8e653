import { Lock } from 'lucide-react';
import type { PolicyView } from '../../../shared/policy.ts';
import { PathText } from '../../components/PathText.tsx';

/** Every rule of the administrator, with the reason given. */
export function PolicyCard({ policy }: { readonly policy: PolicyView }) {
  return (
    <section className="card" aria-labelledby="policy">
      <h2 id="policy" className="card-title">
        Set by your administrator
      </h2>
      <ul className="policy-locks">
        {policy.locks.map(({ text, reason }) => (
          <li key={text}>
            <Lock size={14} aria-hidden />
            <span>
              <bdi>{text}</bdi>
              {reason && <span className="muted"> – {reason}</span>}
            </span>
          </li>
        ))}
      </ul>
      <p className="muted">
        From <PathText path={policy.source ?? ''} className="mono" />
      </p>
    </section>
  );
}
