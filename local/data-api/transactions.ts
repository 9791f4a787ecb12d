/** The service's transactions: by id, one statement at a time, rolled back when idle for 3 minutes or old of 24 hours. */
import { randomBytes } from 'node:crypto'
import type { Limits } from './limits.ts'
import { ServiceError } from './service-error.ts'
import type { Session } from './sessions.ts'

interface Transaction {
  readonly session: Session
  /** Who began it: cluster and secret. */
  readonly owner: string
  readonly database: string
  readonly begunAt: number
  usedAt: number
  busy: boolean
}

export interface Transactions {
  begin(session: Session, owner: string, database: string): Promise<string>
  /** Runs something in the transaction. */
  use<T>(id: string, owner: string, database: string | undefined, task: (session: Session) => Promise<T>): Promise<T>
  end(id: string, owner: string, how: 'COMMIT' | 'ROLLBACK'): Promise<void>
  /** Rolls back those whose time is over. */
  expire(): Promise<void>
  closeAll(): Promise<void>
}

export function createTransactions(limits: Limits, now: () => number): Transactions {
  const open = new Map<string, Transaction>()

  function find(id: string, owner: string): Transaction {
    const transaction = open.get(id)
    if (transaction === undefined || transaction.owner !== owner) {
      throw new ServiceError('TransactionNotFoundException', `Transaction ${id} is not found`)
    }
    if (transaction.busy) {
      throw new ServiceError('DatabaseErrorException', 'Transaction is still running a query')
    }
    return transaction
  }

  async function drop(id: string, transaction: Transaction, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    open.delete(id)
    try {
      await transaction.session.run(how)
    } finally {
      await transaction.session.close()
    }
  }

  const isOver = (transaction: Transaction): boolean =>
    now() - transaction.usedAt >= limits.transactionIdleMs || now() - transaction.begunAt >= limits.transactionMs

  return {
    begin: async (session, owner, database) => {
      try {
        await session.run('BEGIN')
      } catch (error) {
        await session.close()
        throw error
      }
      const id = randomBytes(96).toString('base64')
      open.set(id, { session, owner, database, begunAt: now(), usedAt: now(), busy: false })
      return id
    },
    use: async (id, owner, database, task) => {
      const transaction = find(id, owner)
      if (database !== undefined && database !== transaction.database) {
        throw new ServiceError('BadRequestException', 'Database name is not the same as transaction')
      }
      transaction.busy = true
      try {
        return await task(transaction.session)
      } finally {
        transaction.busy = false
        transaction.usedAt = now()
      }
    },
    end: async (id, owner, how) => drop(id, find(id, owner), how),
    expire: async () => {
      const over = [...open].filter(([, transaction]) => !transaction.busy && isOver(transaction))
      for (const [id, transaction] of over) await drop(id, transaction, 'ROLLBACK').catch(() => {})
    },
    closeAll: async () => {
      for (const [id, transaction] of open) await drop(id, transaction, 'ROLLBACK').catch(() => {})
    },
  }
}
