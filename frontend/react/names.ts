/** Class names of the components. */

/** Join the class of a component with those of its user. */
export function classes(own: string, given: string | undefined): string {
  return given ? `${own} ${given}` : own;
}
