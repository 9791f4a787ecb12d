/** What has to have happened, so that the demo may say so. */

export class StoryError extends Error {
  override readonly name = 'StoryError'
}

/** @throws {StoryError} it did not happen */
export function expectStory(happened: boolean, what: string): void {
  if (!happened) throw new StoryError(`the story did not come out as told: expected that ${what}`)
}
