/** Sends a request to the API. Throws with a sentence for the reader: the API's own message if it is refused. */
export const send = async ({ method, path, body }: Record<'method' | 'path' | 'body', string | undefined>): Promise<unknown> => {
  const response = await fetch(path as string, {
    method: method as string,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body }),
  }).catch(() => {
    throw new Error('Watcher did not answer: check the connection, reload the page, and see whether it was done')
  })
  if (response.status === 204) return undefined
  // Whatever stands between the browser and Watcher answers with a page of its own.
  const answer = await response.json().catch(() => {
    throw new Error(`This answer (${response.status}) is not from Watcher: reload the page, and see whether it was done`)
  })
  if (!response.ok) throw new Error((answer as { message: string }).message)
  return answer
}
