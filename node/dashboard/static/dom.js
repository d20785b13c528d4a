/**
 * Making and renewing elements. What comes from the chain becomes text nodes and attributes, never
 * markup: nothing here parses HTML, and the page's policy has the browser refuse it too.
 */

/** @typedef {Node | string | number | null | undefined | false | any[]} Child */

const SVG = "http://www.w3.org/2000/svg";

/** Attributes set as properties, so that a renewed element gets the newest listener. */
const PROPERTIES = ["onclick", "onchange", "onkeydown", "onpointermove", "onpointerleave"];

/** Links lead to places in this page and nowhere else, whatever they are made of. */
const PLACE = /^#\/[\w/.-]*$/;

/**
 * An element. `vars` are custom properties of CSS, which a strict policy lets scripts set.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  return /** @type {HTMLElement} */ (furnished(document.createElement(tag), attributes, children));
}

/**
 * An element of a drawing.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function s(tag, attributes = {}, ...children) {
  return /** @type {SVGElement} */ (furnished(document.createElementNS(SVG, tag), attributes, children));
}

/** @param {any} element @param {Record<string, any>} attributes @param {Child[]} children */
function furnished(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "vars") setVars(element, value);
    else if (PROPERTIES.includes(name)) element[name] = value;
    else if (name.startsWith("on") || name === "style" || name === "src") throw new TypeError(name);
    else if (name === "href" && !PLACE.test(String(value))) throw new TypeError("no place of the page");
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

/** @param {any} element @param {Record<string, number>} vars */
function setVars(element, vars) {
  element.vars = vars;
  for (const [name, value] of Object.entries(vars)) {
    element.style.setProperty(`--${name}`, String(Number(value)));
  }
}

/**
 * Children without those that aren't there.
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function flat(children) {
  return children.flat(Infinity).flatMap((child) => {
    if (child === null || child === undefined || child === false) return [];
    return [child instanceof Node ? child : String(child)];
  });
}

/**
 * Make an element's children those that are given, keeping whatever is the same: focus, scroll
 * positions and selections stay where they are.
 * @param {Element} parent
 * @param {Child[]} children
 */
export function renew(parent, ...children) {
  const wanted = flat(children).map((one) => (one instanceof Node ? one : document.createTextNode(one)));
  wanted.forEach((node, index) => {
    const present = parent.childNodes[index];
    if (present === undefined) parent.append(node);
    else if (!alike(present, node)) present.replaceWith(node);
    else renewOne(present, node);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild?.remove();
}

/** @param {Node} one @param {Node} other */
function alike(one, other) {
  if (one.nodeName !== other.nodeName) return false;
  if (!(one instanceof Element) || !(other instanceof Element)) return true;
  return one.getAttribute("data-key") === other.getAttribute("data-key");
}

/** @param {any} present @param {any} wanted */
function renewOne(present, wanted) {
  if (!(present instanceof Element)) {
    if (present.nodeValue !== wanted.nodeValue) present.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...present.attributes]) {
    const keeps = name === "style" || (name === "open" && present.tagName === "DETAILS");
    if (!keeps && !wanted.hasAttribute(name)) present.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (name !== "style" && present.getAttribute(name) !== value) present.setAttribute(name, value);
  }
  for (const name of PROPERTIES) /** @type {any} */ (present)[name] = wanted[name];
  if (wanted.vars) setVars(present, wanted.vars);
  renew(present, ...wanted.childNodes);
}
