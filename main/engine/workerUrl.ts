/** The worker's file beside its caller: TypeScript when run from source, the bundle's entry of the same name when built. */
export function workerUrl(name: string, callerUrl: string): URL {
  return new URL(callerUrl.endsWith('.ts') ? `./${name}.ts` : `./${name}.js`, callerUrl);
}
