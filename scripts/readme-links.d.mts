export function withAbsoluteLinks(markdown: string, repository: string | { readonly url: string } | undefined): string;
