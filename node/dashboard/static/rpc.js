/**
 * The node's JSON-RPC: calls in batches over HTTP, news over one websocket that comes back by itself.
 */

/** An error that the node answered with. */
export class RpcFailed extends Error {
  /** @param {{code: number, message: string, data?: any}} error */
  constructor(error) {
    super(error.message);
    this.code = error.code;
    this.data = error.data;
  }
}

/** The node can't be reached, or isn't a node. */
export class Unreachable extends Error {}

const METHOD_NOT_FOUND = -32601;
const UNAVAILABLE = -32002;
const CALLS_IN_BATCH_MAX = 100;
const SLOW = new Set(["rollup_getProposals", "rollup_getDispute"]);
/** Methods for which the node may have to ask L1: nothing else waits for them. */
const RETRY_MILLISECONDS = [250, 500, 1000, 2000, 5000];
/** After a lost connection, so long until the next try; the last one again and again. */
const ANSWER_MILLISECONDS_MAX = 30000;

/** @type {{id: number, method: string, params: any[], resolve: (result: any) => void, reject: (error: Error) => void}[]} */
let waiting = [];
let lastId = 0;

/**
 * Call a method. Calls made in one turn travel together.
 * @param {string} method
 * @param {...any} params
 * @returns {Promise<any>}
 */
export function call(method, ...params) {
  return new Promise((resolve, reject) => {
    if (waiting.length === 0) queueMicrotask(flush);
    waiting.push({ id: ++lastId, method, params, resolve, reject });
  });
}

/**
 * Call a method that some nodes don't have, or whose subject may be gone: null then.
 * @param {string} method
 * @param {...any} params
 */
export async function maybe(method, ...params) {
  try {
    return await call(method, ...params);
  } catch (error) {
    if (error instanceof RpcFailed) return null;
    throw error;
  }
}

/**
 * What is answered within so many milliseconds, else what stands in for it.
 * @template T
 * @param {Promise<T>} answer
 * @param {number} milliseconds
 * @param {T} otherwise
 * @returns {Promise<T>}
 */
export function within(answer, milliseconds, otherwise) {
  return Promise.race([answer, new Promise((resolve) => setTimeout(resolve, milliseconds, otherwise))]);
}

/** Whether an error says: not now, ask again. @param {unknown} error */
export const isLater = (error) => error instanceof RpcFailed && error.code === UNAVAILABLE;

/** Whether an error says that the node doesn't have the method. @param {unknown} error */
export const isMissing = (error) => error instanceof RpcFailed && error.code === METHOD_NOT_FOUND;

function flush() {
  for (const one of waiting.filter(({ method }) => SLOW.has(method))) void send([one]);
  const quick = waiting.filter(({ method }) => !SLOW.has(method));
  waiting = [];
  while (quick.length > 0) void send(quick.splice(0, CALLS_IN_BATCH_MAX));
}

/** @param {typeof waiting} calls */
async function send(calls) {
  try {
    const body = calls.map(({ id, method, params }) => ({ jsonrpc: "2.0", id, method, params }));
    const answers = await post(JSON.stringify(body));
    const byId = new Map(answers.map((/** @type {any} */ answer) => [answer.id, answer]));
    for (const { id, resolve, reject } of calls) {
      const answer = byId.get(id);
      if (answer === undefined) reject(new Unreachable("the node left a call unanswered"));
      else if (answer.error) reject(new RpcFailed(answer.error));
      else resolve(answer.result);
    }
  } catch (error) {
    for (const { reject } of calls) reject(/** @type {Error} */ (error));
  }
}

/** @param {string} body @returns {Promise<any[]>} */
async function post(body) {
  try {
    const response = await fetch("/", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(ANSWER_MILLISECONDS_MAX),
    });
    const answers = await response.json();
    if (!Array.isArray(answers)) throw new TypeError("no batch");
    return answers;
  } catch (error) {
    throw new Unreachable("The node doesn't answer. Trying again.", { cause: error });
  }
}

/** @typedef {{namespace: string, kind: string, options: any, hear: (news: any) => void, id?: string}} Subscription */

/** The websocket, opened anew whenever it is lost; what was subscribed to is subscribed to again. */
export class News {
  /** @param {(state: "live" | "lost") => void} tell */
  constructor(tell) {
    this.tell = tell;
    /** @type {Set<Subscription>} */
    this.subscriptions = new Set();
    /** @type {Map<number, (answer: any) => void>} */
    this.answers = new Map();
    this.failures = 0;
    this.lastId = 0;
    this.connect();
  }

  connect() {
    const url = new URL("/", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(url);
    this.socket.onopen = () => this.opened();
    this.socket.onmessage = (event) => this.heard(JSON.parse(event.data));
    this.socket.onclose = () => this.closed();
  }

  opened() {
    this.failures = 0;
    for (const one of this.subscriptions) this.ask(one);
    this.tell("live");
  }

  closed() {
    this.answers.clear();
    for (const one of this.subscriptions) one.id = undefined;
    const delay = RETRY_MILLISECONDS[Math.min(this.failures++, RETRY_MILLISECONDS.length - 1)];
    this.tell("lost");
    setTimeout(() => this.connect(), delay);
  }

  /** @param {any} message */
  heard(message) {
    if (message.method !== undefined) {
      const { subscription, result } = message.params;
      for (const one of this.subscriptions) if (one.id === subscription) one.hear(result);
      return;
    }
    this.answers.get(message.id)?.(message);
    this.answers.delete(message.id);
  }

  /** @param {Subscription} one */
  ask(one) {
    const params = one.options === null ? [one.kind] : [one.kind, one.options];
    this.send(`${one.namespace}_subscribe`, params, (answer) => {
      if (answer.error) return; // a node without that namespace: the view says so itself
      if (this.subscriptions.has(one)) one.id = answer.result;
      else this.send(`${one.namespace}_unsubscribe`, [answer.result], () => {});
    });
  }

  /** @param {string} method @param {any[]} params @param {(answer: any) => void} hear */
  send(method, params, hear) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const id = ++this.lastId;
    this.answers.set(id, hear);
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  }

  /**
   * Hear news until the function that is returned is called.
   * @param {string} namespace
   * @param {string} kind
   * @param {any} options
   * @param {(news: any) => void} hear
   * @returns {() => void}
   */
  subscribe(namespace, kind, options, hear) {
    const one = /** @type {Subscription} */ ({ namespace, kind, options, hear });
    this.subscriptions.add(one);
    if (this.socket?.readyState === WebSocket.OPEN) this.ask(one);
    return () => {
      this.subscriptions.delete(one);
      if (one.id !== undefined) this.send(`${namespace}_unsubscribe`, [one.id], () => {});
    };
  }
}
