/** The data that the page's script draws. What is false or empty for most is left out: a page of 500 addresses stays small. */

export const CALM = ['acknowledged', 'silenced'] as const

/** A problem of a pipeline, as its badge shows it. */
export interface Mark {
  word: string
  sign: string
  tone: string
  /** Why its open incidents need nobody now: somebody has them, or messages about them are silenced. null: they do. */
  calm: (typeof CALM)[number] | null
}

export interface GraphAddress {
  id: number
  name: string
  type: string
  deprecated?: true | undefined
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
  inactive?: true | undefined
  /** undefined: none, or too long for the drawing. */
  metadata?: Record<string, unknown> | undefined
  /** Worst first; undefined: no problem. */
  wrong?: Mark[] | undefined
}

/** The ids of an address, of one that is made from it, and of the pipelines that do so. */
export type GraphEdge = [source: number, target: number, pipelines: number[]]

export interface Graph {
  /** The centre first, then the nearest. */
  addresses: GraphAddress[]
  edges: GraphEdge[]
  pipelines: GraphPipeline[]
}
