/**
 * The worker in front of the events that the platform would send: crons, and deliveries of a queue. Node posts them to its
 * loopback socket with a secret that both got when they were started. workerd runs this file unchanged, so it is JavaScript.
 */
const isSecret = (given, wanted) => {
  const [left, right] = [given ?? '', `Bearer ${wanted}`].map((text) => new TextEncoder().encode(text))
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right)
}

export default {
  /** @param {Request} request */
  async fetch(request, env) {
    if (!isSecret(request.headers.get('authorization'), env.SECRET)) return new Response(null, { status: 401 })
    const body = await request.json()
    switch (new URL(request.url).pathname) {
      case '/queue': {
        const messages = body.messages.map((message) => ({ ...message, timestamp: new Date(message.timestamp) }))
        return Response.json(await env.MAIN.queue(body.queue, messages))
      }
      case '/scheduled':
        return Response.json(await env.MAIN.scheduled({ cron: body.cron, scheduledTime: new Date(body.scheduledTime) }))
      case '/drain':
        return env.DRAIN.fetch('http://watcher/')
      default:
        return new Response(null, { status: 404 })
    }
  },
}
