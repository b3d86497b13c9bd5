import type { PageFolder } from '../frame/folder.ts'
import { routes } from './routes.ts'

export const pipelinesPage: PageFolder = { routes }
