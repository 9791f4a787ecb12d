/** How long the remedy takes, as a bar on a scale, with what it was reckoned from. */
import type { Estimate } from '../../core/finding.ts'
import { durationRangeText, durationText } from '../../core/duration-text.ts'
import { besideFields, volumeText } from '../finding-text.ts'
import type { Html } from './markup.ts'
import { html, sentence } from './markup.ts'
import { percentOf, scaleTo } from './scale.ts'

export function estimatePart(estimate: Estimate): Html {
  const { lowMs, highMs, basis } = estimate
  const { end, ticks } = scaleTo(highMs)
  const marks = ticks.map(
    (tick) =>
      html`<span class="tick" style="left:${percentOf(tick, end)}">${tick === 0 ? '0' : durationText(tick)}</span>`,
  )
  return html`<section class="part estimate">
    <h4>How long it takes</h4>
    <p class="range">${durationRangeText(lowMs, highMs)}</p>
    <div class="scale" aria-hidden="true">
      <div class="track">
        <div
          class="span"
          style="left:${percentOf(lowMs, end)};width:${percentOf(Math.max(0, highMs - lowMs), end)}"
        ></div>
      </div>
      ${marks}
    </div>
    <dl class="factors">
      <div>
        <dt>kind of work</dt>
        <dd>${sentence(estimate.class)}</dd>
      </div>
      <div>
        <dt>multiplier</dt>
        <dd>${volumeText(estimate)}</dd>
      </div>
      <div>
        <dt>reckoned from</dt>
        <dd>${sentence(basis)}</dd>
      </div>
      ${besideFields(estimate).map(
        ([label, text]) =>
          html`<div>
            <dt>${label}</dt>
            <dd>${sentence(text)}</dd>
          </div>`,
      )}
    </dl>
  </section>`
}
