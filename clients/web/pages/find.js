// SPDX-License-Identifier: Apache-2.0
/* find.js - discovery: one question, one answer */
import { byId, make, reconcile, say } from './dom.js';
import { showPeers } from './peer_list.js';
import { count, listOf, reasonOf } from './words.js';

export class Find {
  #session;
  #log;
  #me;

  /** @param {() => string|null} me the id to leave out */
  constructor(session, log, me) {
    this.#session = session;
    this.#log = log;
    this.#me = me;
    byId('find').addEventListener('submit', (event) => {
      event.preventDefault();
      this.discover();
    });
  }

  async discover() {
    const archetypes = listOf(byId('find-archetypes').value);
    const me = byId('find-others').checked ? this.#me() : null;
    byId('discover').disabled = true;
    byId('find-wrong').hidden = true;
    try {
      const peers = await this.#session.client.discover({ archetypes, exclude: me ? [me] : [] });
      this.#show(peers, archetypes);
    } catch (error) {
      say(byId('find-wrong'), reasonOf(error));
      byId('find-wrong').hidden = false;
    }
    byId('discover').disabled = false;
  }

  #show(peers, archetypes) {
    const what = archetypes.length ? ` with ${archetypes.join(' and ')}` : '';
    showPeers(byId('found'), peers, { me: this.#me() });
    byId('found').hidden = peers.length === 0;
    byId('found-empty').hidden = peers.length > 0;
    say(byId('found-empty'), `There is no peer${what}.`);
    say(byId('find-count'), count(peers.length, 'peer'));
    this.#log.add(`discovered ${count(peers.length, 'peer')}${what}`);
  }

  /** What there is, to choose from. */
  offer(archetypes) {
    reconcile(byId('known-archetypes'), archetypes, (name) => name,
              (name) => make('option', { value: name }), () => {});
  }
}
