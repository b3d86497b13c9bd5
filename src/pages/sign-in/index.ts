import type { PageFolder } from '../frame/folder.ts'
import { serveSignIn } from './routes.ts'

export const signIn: PageFolder = { routes: serveSignIn }
