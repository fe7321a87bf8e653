export interface RequestLogEntry {
  operation: string;
  bucket: string | null;
  key: string | null;
  partNumber: number | null;
  uploadId: string | null;
  status: number;
  /** Of the object or document: framing of aws-chunked not counted. Counts what arrived, also when the request failed. */
  bytesReceived: number;
  errorCode: string | null;
}

export const maxLogEntries = 200_000;

export function countByOperation(entries: readonly RequestLogEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { operation } of entries) counts[operation] = (counts[operation] ?? 0) + 1;
  return counts;
}
