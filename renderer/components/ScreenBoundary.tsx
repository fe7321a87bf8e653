import { OctagonX } from 'lucide-react';
import { Component, type ReactNode } from 'react';
import { Button } from './Button.tsx';
import { EmptyState } from './EmptyState.tsx';

interface ScreenBoundaryProps {
  readonly children: ReactNode;
}

/** A screen that fails takes neither the navigation nor the pause button with it. */
export class ScreenBoundary extends Component<ScreenBoundaryProps, { readonly failure: Error | null }> {
  override state: { readonly failure: Error | null } = { failure: null };

  static getDerivedStateFromError(failure: Error) {
    return { failure };
  }

  override render() {
    const { failure } = this.state;
    if (!failure) return this.props.children;
    return (
      <div className="card">
        <EmptyState
          icon={OctagonX}
          title="This screen has failed"
          text={`Uploading goes on. What went wrong: ${failure.message}`}
          action={<Button onClick={() => this.setState({ failure: null })}>Show it again</Button>}
        />
      </div>
    );
  }
}
