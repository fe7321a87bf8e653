/**
 * What operating systems, office programs and editors leave behind: never a user's data, so never uploaded. Kept short on purpose: `node_modules`, `.git`
 * or `*~` may well be what somebody wants to keep. A negated pattern in the folder's settings (`!desktop.ini`) brings one back.
 */
export const litterPatterns: readonly string[] = [
  // macOS
  '.DS_Store',
  'Icon[\r]',
  '.Spotlight-V100/',
  '.Trashes/',
  '.fseventsd/',
  '.TemporaryItems/',
  '.DocumentRevisions-V100/',
  // Windows
  '[Tt]humbs.db',
  '[Dd]esktop.ini',
  '$RECYCLE.BIN/',
  'System Volume Information/',
  // Linux: a desktop's trash on a volume, fsck's, and names of files deleted while open on NFS and FUSE
  '.Trash-[0-9]*/',
  '/lost+found/',
  '.nfs[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*',
  '.fuse_hidden*',
  // lock and swap files of programs that have a file open
  '~$*',
  '.~lock.*#',
  '.*.sw[nop]',
  // our own, of a restore that was interrupted
  '.sluice-restore-*',
];
