import { type ComponentChild, render } from 'preact';

/** As much of a document as Preact needs to render into, so that the page's own components run in a test without a browser. */

type Listener = (event: TinyEvent) => void;
export type TinyEvent = { type: string; target: TinyElement; currentTarget: TinyElement; preventDefault(): void; stopPropagation(): void };

class TinyNode {
  parentNode: TinyElement | null = null;
  nodeType: number;
  ownerDocument: unknown = null;
  constructor(nodeType: number) {
    this.nodeType = nodeType;
  }
  get nextSibling(): TinyNode | null {
    const siblings = this.parentNode?.childNodes ?? [];
    return siblings[siblings.indexOf(this) + 1] ?? null;
  }
  get textContent(): string {
    return '';
  }
  remove(): void {
    this.parentNode?.removeChild(this);
  }
}

export class TinyText extends TinyNode {
  data: string;
  constructor(data: string) {
    super(3);
    this.data = data;
  }
  override get textContent(): string {
    return this.data;
  }
}

export class TinyElement extends TinyNode {
  localName: string;
  namespaceURI: string;
  childNodes: TinyNode[] = [];
  attributes: { name: string; value: string }[] = [];
  style: Record<string, unknown> = {};
  listeners: Record<string, Listener[]> = {};
  constructor(localName: string, namespaceURI: string) {
    super(1);
    this.localName = localName;
    this.namespaceURI = namespaceURI;
  }
  get firstChild(): TinyNode | null {
    return this.childNodes[0] ?? null;
  }
  override get textContent(): string {
    return this.childNodes.map((child) => child.textContent).join('');
  }
  insertBefore(child: TinyNode, before: TinyNode | null): TinyNode {
    child.remove();
    const at = before ? this.childNodes.indexOf(before) : this.childNodes.length;
    this.childNodes.splice(at, 0, child);
    child.parentNode = this;
    return child;
  }
  appendChild(child: TinyNode): TinyNode {
    return this.insertBefore(child, null);
  }
  removeChild(child: TinyNode): TinyNode {
    this.childNodes = this.childNodes.filter((each) => each !== child);
    child.parentNode = null;
    return child;
  }
  contains(other: TinyNode): boolean {
    return other === this || this.childNodes.some((child) => child === other || (child instanceof TinyElement && child.contains(other)));
  }
  setAttribute(name: string, value: unknown): void {
    this.removeAttribute(name);
    this.attributes.push({ name, value: String(value) });
  }
  removeAttribute(name: string): void {
    this.attributes = this.attributes.filter((each) => each.name !== name);
  }
  getAttribute(name: string): string | null {
    return this.attributes.find((each) => each.name === name)?.value ?? null;
  }
  addEventListener(type: string, listener: Listener): void {
    this.listeners[type] = [...(this.listeners[type] ?? []), listener];
  }
  removeEventListener(type: string, listener: Listener): void {
    this.listeners[type] = (this.listeners[type] ?? []).filter((each) => each !== listener);
  }
  /** All elements below that fit, in document order. */
  all(fits: (element: TinyElement) => boolean): TinyElement[] {
    return this.childNodes.flatMap((child) => (child instanceof TinyElement ? [...(fits(child) ? [child] : []), ...child.all(fits)] : []));
  }
  /** The first element below with this tag and, where given, this attribute. Throws when there is none. */
  find(tag: string, attribute?: [name: string, value: string]): TinyElement {
    const found = this.all((each) => each.localName === tag && (!attribute || each.getAttribute(attribute[0]) === attribute[1]))[0];
    if (!found) throw new Error(`no <${tag}> ${attribute?.join('=') ?? ''} in: ${this.textContent}`);
    return found;
  }
  /** Runs the element's own listeners, as the browser would for this event. */
  fire(type: string): void {
    const event = { type, target: this, currentTarget: this, preventDefault() {}, stopPropagation() {} };
    for (const listener of this.listeners[type] ?? []) listener.call(this, event);
  }
}

const HTML = 'http://www.w3.org/1999/xhtml';

const tinyDocument = {
  createElementNS: (namespace: string, name: string) => new TinyElement(name, namespace),
  createElement: (name: string) => new TinyElement(name, HTML),
  createTextNode: (data: string) => new TinyText(data),
  addEventListener() {},
  removeEventListener() {},
  activeElement: null,
};

/** Renders into a new element and answers it; `settled` waits until what a click changed is drawn. */
export function draw(what: ComponentChild): TinyElement & { settled(): Promise<void> } {
  Object.assign(globalThis, { document: tinyDocument, HTMLElement: TinyElement });
  const root = new TinyElement('div', HTML);
  render(what, root as unknown as Element);
  return Object.assign(root, { settled: () => new Promise<void>((resolve) => setTimeout(resolve, 5)) });
}
