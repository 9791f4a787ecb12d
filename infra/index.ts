/**
 * What `import { … } from 'deploywatch'` gives: the entry of the package for CDK apps, and the one barrel of this repository.
 * A construct, a class or a namespace of factories that a team's own app names belongs here, with the types of what it takes
 * and gives; what our constructs use among themselves does not. `scripts/build-cdk.ts` bundles it with what it imports, so
 * nothing of it may load an embedded database, a driver, a parser or an SDK client: a test holds the bundle to that.
 */
export { AlarmStack } from './alarm-stack.ts'
export type { AlarmStackProps } from './alarm-stack.ts'
export { GateAlarm, PageAlarm, WatchAlarms } from './alarms.ts'
export type { Watched } from './alarms.ts'
export { loadAppSettings } from './app-settings.ts'
export type { AppSettings } from './app-settings.ts'
export { Database } from './database.ts'
export type { DataApiDatabase, WireDatabase } from './database.ts'
export { DeploymentSource } from './deployment-source.ts'
export { Deploywatch } from './deploywatch.ts'
export type { DeploywatchProps } from './deploywatch.ts'
export { MigrateThenDeploy } from './migrate-then-deploy.ts'
export type { MigrateThenDeployProps } from './migrate-then-deploy.ts'
export { MigrationTask } from './migration-task.ts'
export type { EcsMigration } from './migration-task.ts'
export { DeploywatchFleet } from './fleet.ts'
export type { DeploywatchFleetProps } from './fleet.ts'
export { FleetTargets } from './fleet-targets.ts'
export type { FleetDatabases } from './fleet-targets.ts'
export { Release } from './release.ts'
export { DeploywatchStore } from './store.ts'
export { WatchDashboard } from './watch-dashboard.ts'
export type { WatchFunction } from './watch-function.ts'
export { WatchdogStack } from './watchdog-stack.ts'
export type { WatchdogStackProps } from './watchdog-stack.ts'
export type { ScheduledLooks } from './scheduled-looks.ts'
export type { Watching } from './watching.ts'
