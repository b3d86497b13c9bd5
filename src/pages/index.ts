import { channelsPage } from './channels/index.ts'
import { diagnostics } from './diagnostics/index.ts'
import type { PageFolder } from './frame/folder.ts'
import { incidentPage } from './incident/index.ts'
import { incidentList } from './incidents/index.ts'
import { lineageGraph } from './lineage-graph/index.ts'
import { monitoring } from './monitoring/index.ts'
import { overview } from './overview/index.ts'
import { pipeline } from './pipeline/index.ts'
import { pipelinesPage } from './pipelines/index.ts'
import { reporting } from './reporting/index.ts'
import { runsPage } from './runs/index.ts'
import { schedulePage } from './schedule/index.ts'
import { searchField } from './search/index.ts'
import { signIn } from './sign-in/index.ts'

/** Every folder of pages. */
export const pages: PageFolder[] = [
  overview,
  incidentList,
  incidentPage,
  runsPage,
  pipelinesPage,
  pipeline,
  lineageGraph,
  schedulePage,
  reporting,
  channelsPage,
  monitoring,
  diagnostics,
  searchField,
  signIn,
]
