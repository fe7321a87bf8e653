/** A piece of a document, with the very characters it was made of. */
export interface XmlPiece {
  readonly name: string;
  /** Text directly in it, unescaped, trimmed. */
  readonly text: string;
  readonly children: readonly XmlPiece[];
  /** As it stands in the document, tags included. */
  readonly source: string;
}

/** Reads a document that a store wrote: elements, text, no DTD. null: it is none, or more than that. */
export function readXml(source: string): XmlPiece | null {
  const root = { name: '', text: '', children: [] as XmlPiece[], start: 0 };
  const stack = [root];
  const token =
    /<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^\s>]+)\s*>|<([^\s/>!?]+)((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>|([^<]+)/y;
  while (token.lastIndex < source.length) {
    const start = token.lastIndex;
    const match = token.exec(source);
    const top = stack.at(-1);
    if (match === null || top === undefined) return null;
    const [, cdata, closing, opening, , selfClosing, text] = match;
    if (cdata !== undefined) top.text += cdata;
    else if (text !== undefined) {
      const plain = plainText(text);
      if (plain === null) return null;
      top.text += plain;
    } else if (opening !== undefined && selfClosing !== '/')
      stack.push({ name: localName(opening), text: '', children: [], start });
    else if (opening !== undefined)
      top.children.push({ name: localName(opening), text: '', children: [], source: match[0] });
    else if (closing !== undefined) {
      if (stack.length === 1 || top.name !== localName(closing)) return null;
      stack.pop();
      const { name, children } = top;
      stack
        .at(-1)!
        .children.push({ name, text: top.text.trim(), children, source: source.slice(top.start, token.lastIndex) });
    }
  }
  const only = root.children[0];
  return stack.length === 1 && root.children.length === 1 && only && root.text.replace('\ufeff', '').trim() === ''
    ? only
    : null;
}

export const childOf = (piece: XmlPiece | null | undefined, name: string): XmlPiece | undefined =>
  piece?.children.find((child) => child.name === name);
export const childrenOf = (piece: XmlPiece | null | undefined, name: string): readonly XmlPiece[] =>
  piece?.children.filter((child) => child.name === name) ?? [];
export const textOf = (piece: XmlPiece | null | undefined, name: string): string | undefined =>
  childOf(piece, name)?.text;

export const escapeXml = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a key may hold them, and XML takes them only as references
  text.replace(/[&<>"\u0000-\u001f\u007f]/g, (char) => escapes[char] ?? `&#x${char.charCodeAt(0).toString(16)};`);

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

function plainText(text: string): string | null {
  let bad = false;
  const plain = text.replace(/&([^;]*);?/g, (_, reference: string) => {
    const numeric = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(reference);
    const code = numeric ? Number.parseInt(numeric[1] ?? numeric[2]!, numeric[1] ? 16 : 10) : -1;
    if (code >= 0 && code <= 0x10ffff) return String.fromCodePoint(code);
    const char = entities[reference];
    if (char === undefined) bad = true;
    return char ?? '';
  });
  return bad ? null : plain;
}
