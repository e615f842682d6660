import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ApiAbstractMixin,
  ApiClass,
  ApiDocumentedItem,
  type ApiItem,
  type ApiItemContainerMixin,
  ApiModel,
  ApiNameMixin,
  ApiProtectedMixin,
  type ExcerptToken,
} from '@microsoft/api-extractor-model';
import { DocBlock, DocCodeSpan, DocFencedCode, type DocNode, DocPlainText, DocSoftBreak } from '@microsoft/tsdoc';
import { root } from './functions.ts';
import { entryNames, type LibraryEntry } from './libraries.ts';
import { modelOf } from './types.ts';
import { writeChanged } from './write-changed.ts';

/** Writes docs/reference.md from the sources: every exported name, with the text of its comment. */

const textOf = (node: DocNode): string => {
  if (node instanceof DocPlainText) return node.text;
  if (node instanceof DocCodeSpan) return `\`${node.code}\``;
  if (node instanceof DocFencedCode) return `\n\n\`\`\`ts\n${node.code.trim()}\n\`\`\`\n\n`;
  if (node instanceof DocSoftBreak) return ' ';
  if (node.kind === 'EscapedText') return node.getChildNodes().map(textOf).join('');
  const children = node.getChildNodes().map(textOf).join('');
  return node.kind === 'Paragraph' ? `${children.trim()}\n\n` : children;
};

/** A comment's text and its `@default`; throws if there is none. */
const commentOf = (item: ApiItem): { readonly text: string; readonly byDefault: string } => {
  const comment = item instanceof ApiDocumentedItem ? item.tsdocComment : undefined;
  const text = comment ? textOf(comment.summarySection).trim() : '';
  if (text === '') throw new Error(`${item.getScopedNameWithinPackage()} needs a comment: it is in docs/reference.md.`);
  const block = comment?.customBlocks.find(each => each instanceof DocBlock && each.blockTag.tagName === '@default');
  return { text, byDefault: block ? textOf(block.content).trim() : '' };
};

const nameOf = (item: ApiItem): string => (ApiNameMixin.isBaseClassOf(item) ? item.name : item.displayName);
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const cell = (text: string): string => oneLine(text).replaceAll('|', '\\|');

/** `name: type` of a member, or its call. */
const signatureOf = (item: ApiItem): string => {
  const { excerptTokens = [] } = item as { excerptTokens?: readonly ExcerptToken[] };
  const text = oneLine(excerptTokens.map(each => each.text).join(''));
  return text.replace(/^(export |declare |static |readonly )+/, '').replace(/;$/, '');
};

const isShown = (item: ApiItem): boolean =>
  !(ApiProtectedMixin.isBaseClassOf(item) && item.isProtected) &&
  !(item instanceof ApiClass && ApiAbstractMixin.isBaseClassOf(item) && item.isAbstract);

const rowOf = (member: ApiItem): string => {
  const { text, byDefault } = commentOf(member);
  const suffix = byDefault === '' ? '' : ` Default: ${byDefault.replace(/^- /, '')}.`;
  return `| \`${cell(signatureOf(member))}\` | ${cell(text + suffix)} |`;
};

const sectionOf = (item: ApiItem): string => {
  const members = (item as unknown as ApiItemContainerMixin).members?.filter(isShown) ?? [];
  const documented = members.filter(({ kind }) => kind !== 'Constructor');
  const heading = `### ${nameOf(item)}\n\n${commentOf(item).text}\n`;
  if (documented.length === 0) return `${heading}\n\`\`\`ts\n${signatureOf(item)}\n\`\`\`\n`;
  const made = members
    .filter(({ kind }) => kind === 'Constructor')
    .map(each => `new ${nameOf(item)}${signatureOf(each).slice('constructor'.length)}`);
  const call = made.length === 0 ? '' : `\n\`\`\`ts\n${made.join('\n')}\n\`\`\`\n`;
  return `${heading}${call}\n| member | meaning |\n|---|---|\n${documented.map(rowOf).join('\n')}\n`;
};

const partOf = (entry: LibraryEntry): string => {
  const [point] = new ApiModel().loadPackage(modelOf(entry)).entryPoints;
  const sections = (point?.members ?? []).filter(isShown).map(sectionOf);
  return `## token-refresher/${entry}\n\n${sections.join('\n')}`;
};

/** Writes the page if that is accepted; otherwise says whether it is as it should be. Needs the models of `makeTypes`. */
export const makeReference = (accept: boolean): boolean => {
  const intro = '# API reference\n\nMade from the sources by `npm run build`. Do not edit it by hand.\n';
  const contents = entryNames.map(entry => `- [token-refresher/${entry}](#token-refresher${entry})`).join('\n');
  const page = join(root, 'docs', 'reference.md');
  const text = `${intro}\n${contents}\n\n${entryNames.map(partOf).join('\n')}`;
  if (accept) writeChanged(page, text);
  return existsSync(page) && readFileSync(page, 'utf8') === text;
};
