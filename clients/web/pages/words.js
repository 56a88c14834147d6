// SPDX-License-Identifier: Apache-2.0
/* words.js - how times, numbers and archetypes are written and coloured */

const HUES = [
  '#6ee7c8', '#8ab4ff', '#f5a97f', '#d3a4ff', '#f2d06b', '#7fd4f5', '#f59ac0', '#a9dc76',
];
const MUTED = '#9fadbf';
const given = new Map();

/** The same name has the same colour for as long as the page lives; the first eight differ. */
export function hueOf(archetype) {
  if (!archetype) return MUTED;
  if (!given.has(archetype)) given.set(archetype, HUES[given.size % HUES.length]);
  return given.get(archetype);
}

/** Gives colours in the order of names, so that two pages agree on them. */
export function nameHues(archetypes) {
  for (const archetype of [...archetypes].sort()) hueOf(archetype);
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

const UNITS = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];

/** 75 becomes "1 min 15 s": the two largest units that there are. */
export function duration(seconds) {
  let left = Math.max(0, Math.round(seconds));
  const parts = [];
  for (const [size, name] of UNITS) {
    const number = Math.floor(left / size);
    if (number > 0) parts.push(`${number} ${name}`);
    left -= number * size;
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}

export function clock(date = new Date()) {
  return date.toTimeString().slice(0, 8);
}

/** "a, b c" → ["a", "b c"]: blanks belong to names, commas do not. */
export function listOf(text, separator = /[,\n]/) {
  const words = text.split(separator).map((word) => word.trim());
  return [...new Set(words.filter((word) => word !== ''))];
}

/** What a person makes of an AuroraError. */
export function reasonOf(error) {
  if (error.code === 'unreachable') return `${error.endpoint} cannot be reached.`;
  const text = String(error.message ?? error);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

const REASONS = {
  deregistered: 'it left', expired: 'its lease ran out', orphan_grace: 'its node is gone',
  moved: 'it moved', 'not-in-snapshot': 'it went meanwhile',
};

/** Why a peer is gone. */
export function wentBecause(reason) {
  return REASONS[reason] ?? String(reason ?? 'no reason given');
}
