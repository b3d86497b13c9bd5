import 'vitest'

/** The values that node/database.ts gives to the test files. */
declare module 'vitest' {
  interface ProvidedContext {
    endpointUrl: string
    /** The server in place of Slack and of a collector of traces; each path below it is a channel (see node/receiver.ts). */
    receiverUrl: string
    /** The server's maintenance database; each test file makes its own from `templateDatabase`. */
    databaseUrl: string
    templateDatabase: string
    /** The first seed of incidents/model.test.ts, and how many there are: MODEL_SEED=77 MODEL_SEQUENCES=1 repeats one. */
    modelSeed: number
    modelSequences: number
    /** Seeds of ingest/openlineage-orders.test.ts, and fuzzed events of openlineage.test.ts. */
    openlineageSeeds: number
    openlineageFuzzed: number
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
  /** The time before the answer. */
  delayMillis?: number
  /** Never answers. */
  hangs?: boolean
  /** Begins the body and then breaks the connection, or sends more and more. */
  then?: 'breaks' | 'never ends'
  /** Whether the message is in the channel; without this, the status decides. */
  accepted?: boolean
}
