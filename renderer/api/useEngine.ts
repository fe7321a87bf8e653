import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Snapshot, SyncApi } from '../../shared/syncApi.ts';
import type { EngineState, EngineStore } from './engineStore.ts';

export const EngineContext = createContext<EngineStore | null>(null);

export function useEngine(): EngineStore {
  const store = useContext(EngineContext);
  if (!store) throw new Error('no engine store above this component');
  return store;
}

export function useEngineState(): EngineState {
  const store = useEngine();
  return useSyncExternalStore(store.subscribe, store.getState);
}

export const useApi = (): SyncApi => useEngine().api;

export const SnapshotContext = createContext<Snapshot | null>(null);

/** The current snapshot; screens are only shown once there is one. */
export function useSnapshot(): Snapshot {
  const snapshot = useContext(SnapshotContext);
  if (!snapshot) throw new Error('no snapshot above this component');
  return snapshot;
}
