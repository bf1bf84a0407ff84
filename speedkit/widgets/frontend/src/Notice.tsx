import { message } from "./messages.ts";
import type { NoticeFacts } from "./traits.ts";

type Props = { notice: NoticeFacts; onClose?: () => void; onRetry?: () => void };

export function Notice({ notice, onClose, onRetry }: Props) {
  const { kind, what, fix } = notice;
  return (
    <div class={`skw-notice skw-notice-${kind}`} role="alert">
      <span class="skw-icon" aria-hidden="true">
        {kind === "info" ? "✓" : "✗"}
      </span>
      <span class="skw-notice-text">
        <b>{what}</b> {fix}
      </span>
      {kind === "engine" && onRetry && (
        <button type="button" onClick={onRetry}>
          {message("Try again")}
        </button>
      )}
      {onClose && (
        <button type="button" aria-label={message("Close this message")} onClick={onClose}>
          ×
        </button>
      )}
    </div>
  );
}
