/**
 * Which addresses of the network are the public's: not this machine, its neighbours, or what clouds tell their machines.
 * https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry
 */
import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { ToolError } from '../base/errors.ts'

const V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** Only 2000::/3 is routed; of it, what leads back into IPv4 or into a test is out. */
const V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const closed = new BlockList()
for (const [net, prefix] of V4) closed.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of V6) closed.addSubnet(net, prefix, 'ipv6')
const routed = new BlockList()
routed.addSubnet('2000::', 3, 'ipv6')

/** Whether an address, as `net.isIP` knows it, belongs to the public network. */
export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !closed.check(address, 'ipv4')
  return family === 6 && routed.check(address, 'ipv6') && !closed.check(address, 'ipv6')
}

export function closedError(host: string): ToolError {
  return new ToolError(`${host} is not an address of the public network; it is not fetched.`)
}

/** Gives a connection only addresses that were checked here, all of them: a name that changes later changes nothing. */
export function publicLookup(resolve: typeof lookup = lookup): LookupFunction {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, [])
      const closed = addresses.some(({ address }) => !isPublic(address))
      const [first] = addresses
      if (closed || first === undefined) return done(closedError(host), [])
      return options.all === true ? done(null, addresses) : done(null, first.address, first.family)
    })
  }
}
