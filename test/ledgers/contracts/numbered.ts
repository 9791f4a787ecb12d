/** What the n-th migration of a contract is called and holds. */

export const textOf = (n: number): string => `CREATE TABLE t${n} (id int);\n`

/** Seconds after the beginning of 2025, as 14 digits: sorts as the numbers do. */
export const stampOf = (n: number): string =>
  new Date(Date.UTC(2025, 0, 1, 0, 0, n)).toISOString().replace(/\D/g, '').slice(0, 14)

export const timeOf = (n: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()
