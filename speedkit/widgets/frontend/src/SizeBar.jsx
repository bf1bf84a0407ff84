export function SizeBar({ value, whole }) {
  return (
    <span class="skl-bar" aria-hidden="true">
      <i style={{ width: `${whole > 0 ? Math.min(100, (100 * value) / whole) : 0}%` }} />
    </span>
  );
}
