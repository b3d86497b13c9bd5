/** What the page's script draws. */

/** A word for what is wrong, and the colour it has. */
export interface Mark {
  word: string
  tone: string
}

export interface GraphAddress {
  id: number
  name: string
  type: string
  deprecated: boolean
  /** Edges between it and the centre. */
  depth: number
  side: 'centre' | 'upstream' | 'downstream'
  /** What is wrong with the pipelines that write it, worst first. */
  wrong: Mark[]
}

export interface GraphPipeline {
  id: number
  name: string
  type: string
  active: boolean
  metadata: Record<string, unknown> | null
  wrong: Mark[]
}

export interface Graph {
  /** The centre first, then the nearest. */
  addresses: GraphAddress[]
  edges: { source: number; target: number; pipelines: number[] }[]
  pipelines: GraphPipeline[]
}
