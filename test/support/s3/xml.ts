import { S3Error } from './s3Error.ts';

export type XmlValue = string | number | boolean | null | undefined | XmlNode | readonly XmlValue[];
export interface XmlNode {
  readonly [name: string]: XmlValue;
}

/** A document as S3 writes it. An array repeats its element; null and undefined leave it out. */
export function writeXml(root: string, content: XmlNode, namespace = true): string {
  const attribute = namespace ? ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' : '';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${children(content)}</${root}>`;
}

export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Reads a request body: one root with the given name, elements and text only; everything else is `MalformedXML`. */
export function readXml(source: string, rootName: string): XmlElement {
  const root = parse(source);
  if (root.name !== rootName) throw new S3Error('MalformedXML');
  return root;
}

export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

export function childrenNamed(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

function children(node: XmlNode): string {
  let out = '';
  for (const name of Object.keys(node)) out += write(name, node[name]);
  return out;
}

function write(name: string, value: XmlValue): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return (value as readonly XmlValue[]).map((item) => write(name, item)).join('');
  if (typeof value === 'object') return `<${name}>${children(value as XmlNode)}</${name}>`;
  return `<${name}>${escapeXml(String(value))}</${name}>`;
}

const entityOf: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys may hold them, and S3 writes them as references
  return text.replace(/[&<>"\u0000-\u001f\u007f]/g, (c) => entityOf[c] ?? `&#x${c.charCodeAt(0).toString(16)};`);
}

interface Open {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

function parse(source: string): XmlElement {
  const document: Open = { name: '', text: '', children: [] };
  const stack: Open[] = [document];
  const token =
    /<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^\s>]+)\s*>|<([^\s/>!?]+)([^<>]*?)(\/?)>|([^<]+)/y;
  while (token.lastIndex < source.length) {
    const match = token.exec(source);
    if (match === null) throw new S3Error('MalformedXML');
    const top = stack.at(-1) as Open;
    const [, cdata, closing, opening, , selfClosing, text] = match;
    if (cdata !== undefined) top.text += cdata;
    else if (text !== undefined) top.text += unescapeXml(text);
    else if (opening !== undefined) {
      const element: Open = { name: localName(opening), text: '', children: [] };
      top.children.push(element);
      if (selfClosing !== '/') stack.push(element);
    } else if (closing !== undefined) {
      if (stack.length === 1 || top.name !== localName(closing)) throw new S3Error('MalformedXML');
      stack.pop();
    }
  }
  const root = document.children[0];
  if (stack.length !== 1 || document.children.length !== 1 || root === undefined) throw new S3Error('MalformedXML');
  if (document.text.replace('\ufeff', '').trim() !== '') throw new S3Error('MalformedXML');
  return root;
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&([^;]*);?/g, (_, reference: string) => {
    const numeric = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(reference);
    if (numeric !== null) return String.fromCodePoint(Number.parseInt(numeric[1] ?? numeric[2]!, numeric[1] ? 16 : 10));
    const character = named[reference];
    if (character === undefined) throw new S3Error('MalformedXML');
    return character;
  });
}
