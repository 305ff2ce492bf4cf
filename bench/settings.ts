/** What a run of the benchmark is told. */
export interface Settings {
  readonly quick: boolean
  /** How often each measurement is repeated. */
  readonly rounds: number
  /** Where state files are made: its disk is part of what is measured. */
  readonly dir: string
}
