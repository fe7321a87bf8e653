/** The import rules of docs/architecture.md: imports point inwards; each outside thing has one room. */
const only = (name, room, target, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: '^(main|renderer|shared)/', pathNot: room },
  to: { path: target },
});
const inner = '^main/engine/(watch|ledger|store|insight)/';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'shared-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: '^(main|renderer|test)/' },
    },
    {
      name: 'renderer-imports-shared-only',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^(main|test)/' },
    },
    {
      name: 'main-never-imports-renderer',
      severity: 'error',
      from: { path: '^main/' },
      to: { path: '^(renderer|test)/' },
    },
    {
      name: 'engine-knows-no-host',
      severity: 'error',
      from: { path: '^main/engine/' },
      to: { path: '^main/(desktop|headless)/' },
    },
    { name: 'hosts-are-apart', severity: 'error', from: { path: '^main/desktop/' }, to: { path: '^main/headless/' } },
    {
      name: 'hosts-are-apart-too',
      severity: 'error',
      from: { path: '^main/headless/' },
      to: { path: '^main/desktop/' },
    },
    {
      name: 'plan-is-pure',
      severity: 'error',
      from: { path: '^main/engine/plan/' },
      to: { path: '^(main/(?!engine/plan/)|node:)', dependencyTypesNot: ['type-only'] },
    },
    ...['watch', 'ledger', 'store', 'insight'].map((room) => ({
      name: `${room}-stands-alone`,
      severity: 'error',
      from: { path: `^main/engine/${room}/` },
      to: { path: `^main/engine/(?!${room}/|workerUrl)` },
    })),
    {
      name: 'only-through-the-door',
      severity: 'error',
      comment: 'the ledger hands out its interface and how to open it; its queries are its own',
      from: { path: '^main/', pathNot: inner },
      to: { path: '^main/engine/ledger/(?!ledger\\.ts|openLedger\\.ts|openLedgerReadOnly\\.ts|setAside\\.ts)' },
    },
    only('sdk-only-in-store', '^main/engine/store/', 'node_modules/(@aws-sdk|@smithy)/', 'one place knows S3'),
    only('sqlite-only-in-ledger', '^main/engine/ledger/', 'node_modules/better-sqlite3/', 'one place knows SQL'),
    only('chokidar-only-in-watch', '^main/engine/watch/', 'node_modules/chokidar/', 'one place knows the watcher'),
    only('electron-only-in-desktop', '^main/desktop/', 'node_modules/electron/', 'the engine runs without a desktop'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
