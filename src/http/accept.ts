/** A browser that opens a page; scripts and clients of the API do not name HTML. */
export const wantsHtml = ({ method, headers }: Request): boolean =>
  (method === 'GET' || method === 'HEAD') && (headers.get('accept') ?? '').includes('text/html')
