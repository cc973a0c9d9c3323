/*! fastrtc 0.1.0 | MIT licence | built from frontend/, see frontend/README.md */
function n(o,{target:t,props:r}){return o.mount(t,r)}function i(o){o?.()}var p={};export{p as SVELTE_VERSION,n as mount,i as unmount};
