/** A remedy that ends in a shell command gets a copy button: "Raise the limit: sudo sysctl …". */
export function splitRemedy(remedy: string): { readonly text: string; readonly command: string | null } {
  const match = /^(.*?):?\s+(sudo .+|sluice .+)$/.exec(remedy);
  if (match) return { text: `${match[1]}:`, command: match[2]! };
  const quoted = /`(sluice [^`]+)`/.exec(remedy);
  return { text: remedy.replaceAll('`', ''), command: quoted ? quoted[1]! : null };
}
