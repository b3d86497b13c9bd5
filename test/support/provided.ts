import 'vitest'

/** What node/database.ts hands to the test files. */
declare module 'vitest' {
  interface ProvidedContext {
    endpointUrl: string
    /** What stands for Slack and for a collector of traces; a channel for each path below (see node/receiver.ts). */
    receiverUrl: string
    /** The server's maintenance database; each test file makes its own from `templateDatabase`. */
    databaseUrl: string
    templateDatabase: string
  }
}

/** A post that was accepted. */
export interface Taken {
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** What the receiver does with one post. */
export interface ReceiverAnswer {
  status?: number
  headers?: Record<string, string>
  body?: string
  /** Until it answers. */
  delayMillis?: number
  /** Never answers. */
  hangs?: boolean
  /** Whether the message is in the channel, where that is not what the status says. */
  accepted?: boolean
}
