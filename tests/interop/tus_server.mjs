// The tus server of the people who wrote the protocol: files into the folder given as first word.
// It says its port on a line, and ends when its input ends.
import { Server } from '@tus/server'
import { FileStore } from '@tus/file-store'

const server = new Server({ path: '/v1/media', datastore: new FileStore({ directory: process.argv[2] }) })
const http = server.listen({ host: '127.0.0.1', port: 0 }, () => console.log(http.address().port))
process.stdin.on('end', () => process.exit(0)).resume()
