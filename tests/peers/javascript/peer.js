// npm's sm-crypto: answers each line with a line; see kernel/guomi/sm/tests/peers/line.rs.

const readline = require('node:readline')
const { sm2, sm3, sm4 } = require('sm-crypto')

const hex = (bytes) => Buffer.from(bytes).toString('hex')
const text = (bytes) => bytes.toString('utf8')
const OLD = 0 // C1C2C3
const NEW = 1 // C1C3C2

const sign = (d, id, message, der) =>
  sm2.doSignature(message, hex(d), { der, hash: true, userId: text(id) })

// It leaves the first byte of the point out.
const encrypt = (mode) => (point, message) => '04' + sm2.doEncrypt(message, hex(point), mode)

// What cannot be decrypted comes back empty.
const decrypt = (mode) => (d, ciphertext) => {
  const found = sm2.doDecrypt(hex(ciphertext).slice(2), hex(d), mode, { output: 'array' })
  return found.length === 0 ? 'no' : hex(found)
}

const answers = {
  sm3: (data) => sm3(data),
  hmac: (key, data) => sm3(data, { mode: 'hmac', key }),
  ecb: (key, data) => sm4.encrypt(data, hex(key)),
  'ecb-open': (key, data) => hex(sm4.decrypt(data, hex(key), { output: 'array' })),
  cbc: (key, iv, data) => sm4.encrypt(data, hex(key), { mode: 'cbc', iv: hex(iv) }),
  'cbc-open': (key, iv, data) =>
    hex(sm4.decrypt(data, hex(key), { mode: 'cbc', iv: hex(iv), output: 'array' })),
  public: (d) => sm2.getPublicKeyFromPrivateKey(hex(d)),
  compress: (point) => sm2.compressPublicKeyHex(hex(point)),
  sign: (d, id, message) => sign(d, id, message, true),
  'sign-raw': (d, id, message) => sign(d, id, message, false),
  verify: (point, id, message, signature) => {
    const options = { der: true, hash: true, userId: text(id) }
    return sm2.doVerifySignature(message, hex(signature), hex(point), options) ? 'yes' : 'no'
  },
  encrypt: encrypt(NEW),
  'encrypt-old': encrypt(OLD),
  decrypt: decrypt(NEW),
  'decrypt-old': decrypt(OLD),
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [what, ...words] = line.split(' ')
  try {
    const found = answers[what](...words.map((word) => Buffer.from(word === '-' ? '' : word, 'hex')))
    console.log(found === '' ? '-' : found)
  } catch (error) {
    console.log('error', String(error).replaceAll('\n', ' '))
  }
})
