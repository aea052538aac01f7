// Uploads one file with tus-js-client, as a program of its own; see `clients.Order`. Prints a JSON line for each part.

const fs = require("node:fs")
const tus = require("tus-js-client")

const order = JSON.parse(process.argv[2])
const say = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`)

let begins = 0
const upload = new tus.Upload(fs.createReadStream(order.path), {
  endpoint: order.url,
  headers: { Authorization: `Bearer ${order.token}` },
  metadata: order.metadata,
  uploadSize: fs.statSync(order.path).size,
  chunkSize: order.part_bytes,
  retryDelays: [0, 50, 100, 200, 400],
  urlStorage: new tus.FileUrlStorage(order.memory),
  fingerprint: async () => "one file",
  uploadDataDuringCreation: order.careful,
  overridePatchMethod: order.careful,
  onChunkComplete: (_, accepted) => {
    say({ at: accepted })
    if (order.waits_at && accepted >= order.waits_at) {
      upload.abort(false)
      process.stdin.resume()
    }
  },
  onSuccess: () => say({ url: upload.url }),
  onError: (error) => {
    process.stderr.write(`${error}\n`)
    process.exit(1)
  },
})

upload.findPreviousUploads().then((previous) => {
  if (previous.length) {
    begins = 1
    upload.resumeFromPreviousUpload(previous[0])
  }
  say({ resumes: Boolean(begins) })
  upload.start()
})
