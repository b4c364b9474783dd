/**
 * `npm run options`: writes the tables of options in the guides from the docstrings of the option types. The first paragraph of a
 * docstring is the meaning of an option; `@defaultValue` gives the default and its reason. The docs tests compare the tables with the
 * docstrings, and the defaults with the code.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { table } from './matrix.mjs';

const SOURCES = ['core/options', 'session/feature', 'server/options', 'server/session-options', 'server/topic-options', 'server/types'];

/** The guide of each table, in which it follows `<!-- defaults: name -->`. */
const GUIDES = { client: 'docs/guides/operating.md', server: 'docs/guides/operating.md', session: 'docs/guides/sessions.md' };

const DEFAULT = /^(?:(\w+) )?(none|Infinity|[\d,]+(?: [KM]iB)?): (.*)\.$/;

if (process.argv[1]?.endsWith('option-tables.mjs')) {
  for (const file of new Set(Object.values(GUIDES))) writeFileSync(file, withOptions(file));
}

/** @returns the text of a guide, with its tables of options written anew. */
export function withOptions(file) {
  const tables = optionTables();
  return Object.keys(GUIDES)
    .filter((name) => GUIDES[name] === file)
    .reduce((text, name) => withTable(text, `<!-- defaults: ${name} -->`, tables[name]), readFileSync(file, 'utf8'));
}

function withTable(text, marker, rows) {
  const begin = text.indexOf(marker);
  if (begin < 0) throw new Error(`There is no ${marker} to write after.`);
  return `${text.slice(0, begin)}${marker}\n${rows}${text.slice(text.indexOf('\n\n', begin))}`;
}

function optionTables() {
  const types = optionTypes();
  const rowsOf = (type) => rowsOfType(types, type, '');
  const closeRows = rowsOf('ServerCloseOptions').map(([name, ...cells]) => [name.replace(/\w+/, 'close({ $& })'), ...cells]);
  const tableOf = (rows) => table([['Option', 'Default', 'Meaning', 'Why this much'], ...rows]);
  return {
    client: tableOf(rowsOf('ClientOptions')),
    server: tableOf([...rowsOf('ServerOptions'), ...closeRows]),
    session: tableOf(rowsOf('SessionOptions')),
  };
}

/** A row for each option with a default. The docstring of a group can give the defaults of its options. */
function rowsOfType(types, type, path, ofGroup = {}) {
  return (types[type] ?? []).flatMap(({ name, text, defaults, groups }) => {
    const found = ofGroup[name] ?? defaults[''];
    if (found !== undefined) return [[`\`${path}${name}\``, found.value, text, found.reason]];
    return groups.flatMap((group) => rowsOfType(types, group, `${path}${name}.`, defaults));
  });
}

/** The options of every interface in the sources. */
function optionTypes() {
  const types = {};
  for (const source of SOURCES) {
    const file = `src/${source}.ts`;
    for (const statement of ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true).statements) {
      if (ts.isInterfaceDeclaration(statement)) types[statement.name.text] = [...inherited(types, statement), ...optionsOf(statement)];
    }
  }
  return types;
}

/** The options of an interface that an interface extends stand before it in its file. */
function inherited(types, { heritageClauses = [] }) {
  return heritageClauses.flatMap((clause) => clause.types.flatMap(({ expression }) => types[expression.getText()] ?? []));
}

function optionsOf({ members }) {
  return members.filter(ts.isPropertySignature).map(optionOf);
}

function optionOf(member) {
  const defaults = {};
  for (const tag of ts.getJSDocTags(member).filter(({ tagName }) => tagName.text === 'defaultValue')) {
    const [, option = '', value, reason] = DEFAULT.exec(oneLine(tag.comment)) ?? [];
    if (value === undefined) throw new Error(`@defaultValue of ${member.name.text} has no value and reason: ${tag.comment}`);
    defaults[option] = { value, reason };
  }
  const types = ts.isUnionTypeNode(member.type) ? member.type.types : [member.type];
  const groups = types.filter(ts.isTypeReferenceNode).map(({ typeName }) => typeName.getText());
  return { name: member.name.text, text: oneLine(member.jsDoc?.[0]?.comment), defaults, groups };
}

/** The first paragraph, as the cell of a table. */
function oneLine(comment) {
  const [paragraph] = (ts.getTextOfJSDocComment(comment) ?? '').split('\n\n');
  return paragraph.replaceAll('\n', ' ').replaceAll('|', '\\|');
}
