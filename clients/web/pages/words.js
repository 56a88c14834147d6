// SPDX-License-Identifier: Apache-2.0
/* words.js - how times, numbers and archetypes are written and coloured */

const HUES = [
  '#6ee7c8', '#8ab4ff', '#f5a97f', '#d3a4ff', '#f2d06b', '#7fd4f5', '#f59ac0', '#a9dc76',
];
const MUTED = '#9fadbf';
/** @type {Map<string, string>} */
const given = new Map();

function hashOf(text) {
  let hash = 0;
  for (const letter of text) hash = (Math.imul(hash, 31) + letter.codePointAt(0)) >>> 0;
  return hash;
}

/** A name has one colour for as long as the page lives, and nearly always the same one in every
 * page; but the first eight differ, so one that comes to a colour that is taken gets the next. */
export function hueOf(archetype) {
  if (!archetype) return MUTED;
  if (given.has(archetype)) return given.get(archetype);
  const taken = given.size < HUES.length ? new Set(given.values()) : new Set();
  let at = hashOf(archetype) % HUES.length;
  while (taken.has(HUES[at])) at = (at + 1) % HUES.length;
  given.set(archetype, HUES[at]);
  return HUES[at];
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

/* As docs/HTTP.md lists them, and the one of our own for what a snapshot no longer has. */
const REASONS = {
  left: 'it left', expired: 'its lease ran out', 'home-dead': 'its node is gone',
  moved: 'it moved', swept: 'its node no longer has it', 'not-in-snapshot': 'it went meanwhile',
};

/** Why a peer is gone. */
export function wentBecause(reason) {
  return REASONS[reason] ?? String(reason ?? 'no reason given');
}
