// A page that is read from a disk may start no worker, and the search is one. There, and only there,
// a hidden frame takes its place: it runs the same script and speaks the same three words.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.append(this.frame)
      const inside = this.frame.contentWindow
      this.ready = new Promise(resolve => {
        inside.document.open()
        inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
        inside.importScripts = (...urls) => urls.reduce((before, next) => before.then(() => load(inside, next)), Promise.resolve())
        inside.document.close()
        load(inside, url).then(resolve)
      })
    }
    set onmessage(listener) { this.addEventListener("message", listener) }
    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })))
    }
    terminate() { this.frame.remove() }
  }
  const load = (inside, url) => new Promise((resolve, reject) => {
    const script = inside.document.createElement("script")
    script.src = new URL(url, document.baseURI).href
    script.onload = resolve
    script.onerror = reject
    inside.document.documentElement.append(script)
  })
}
