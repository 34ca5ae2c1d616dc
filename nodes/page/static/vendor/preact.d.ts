/** What the page uses of Preact. */
export type VNode = { type: unknown; props: Record<string, unknown> };
export type Child = VNode | string | number | null | undefined | boolean | Child[];
export function h(type: unknown, props: Record<string, unknown> | null, ...children: Child[]): VNode;
export function render(node: Child, parent: Element): void;
export const Fragment: unknown;
