/**
 * Where a state file may be written. SQLite keeps the index of its log in memory that all writers share, so all of them
 * must run under one kernel; and the identity of a lease's holder says something about one machine only.
 */
import { closeSync, fsyncSync, openSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from '../../base/errors.ts'

/**
 * File systems that several machines see at once, by `f_type` of statfs(2): <linux/magic.h>, and what those outside of
 * the kernel say of themselves. 9p, virtiofs and FUSE are not among them: containers, WSL and desktops live on those.
 */
const SHARED: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x564c, 'NCP'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x20030528, 'OrangeFS'],
  [0xaad7aaea, 'PanFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
])

/** @throws {UsageError} `path` is, or would be, on a file system that other machines write to. */
export function checkFileSystem(
  path: string,
  typeOf: (path: string) => number | undefined = fileSystemOf,
): void {
  const type = typeOf(path) ?? typeOf(dirname(path))
  // A kernel of 32 bits gives the same bits with a sign.
  const name = type === undefined ? undefined : SHARED.get(type >>> 0)
  if (name === undefined) return
  throw new UsageError(
    `${path} is on a network file system (${name}), where writers on two machines would damage it.`,
    { hint: 'Name a path on a local disk (storagePath, --store). The file can still be looked at there.' },
  )
}

/** What a folder holds is durable. On Windows a folder cannot be synced; its file systems log what happens to names. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** `undefined` where there is nothing at `path`, or where the numbers mean something else than on Linux. */
function fileSystemOf(path: string): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return statfsSync(path).type
  } catch {
    return undefined
  }
}
