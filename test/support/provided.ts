import 'vitest'

/** What node/database.ts hands to the test files. */
declare module 'vitest' {
  interface ProvidedContext {
    endpointUrl: string
    /** Slack's webhooks on loopback; a channel for each path below (see node/slack.ts). */
    slackUrl: string
    /** The server's maintenance database; each test file makes its own from `templateDatabase`. */
    databaseUrl: string
    templateDatabase: string
  }
}

/** What the stand-in of Slack does with one post. */
export interface SlackAnswer {
  status?: number
  headers?: Record<string, string>
  body?: string
  /** Never answers. */
  hangs?: boolean
  /** Whether the message is in the channel, where that is not what the status says. */
  accepted?: boolean
}
