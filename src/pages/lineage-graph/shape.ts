/** The data that the page's script draws. */

/** The word of a problem and its colour. */
export interface Mark {
  word: string
  tone: string
}

export interface GraphAddress {
  id: number
  name: string
  type: string
  deprecated: boolean
  /** The number of edges between this address and the centre. */
  depth: number
  side: 'centre' | 'upstream' | 'downstream'
  /** The problems of the pipelines that write this address, worst first. */
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
