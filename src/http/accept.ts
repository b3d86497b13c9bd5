/** True for a browser that opens a page; scripts and API clients do not ask for HTML. */
export const wantsHtml = ({ method, headers }: Request): boolean =>
  (method === 'GET' || method === 'HEAD') && (headers.get('accept') ?? '').includes('text/html')
