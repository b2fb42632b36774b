// What a page can try with a service. Each function resolves to what the page has got of it.

async function read(url, options = {}) {
    try {
        const answer = await fetch(url, options);
        return {type: answer.type, status: answer.status, text: await answer.text()};
    } catch (error) {
        return {error: error.name};
    }
}

function openStream(url, protocols) {
    return new Promise(resolve => {
        const socket = new WebSocket(url, protocols);
        socket.onopen = () => {
            resolve({opened: true});
            socket.close();
        };
        socket.onclose = ({code, reason}) => resolve({opened: false, code, reason});
    });
}

function embed(tag, attributes) {
    return new Promise(resolve => {
        const element = Object.assign(document.createElement(tag), attributes);
        element.onload = () => resolve("load");
        element.onerror = () => resolve("error");
        document.body.append(element);
    });
}

// A frame, and whether the page sees what is in it.
async function frame(url, name) {
    await embed("iframe", {src: url, name});
    try {
        return {seen: window[name].document.documentElement.textContent};
    } catch (error) {
        return {error: error.name};
    }
}

// A form that is sent into a frame; what is in it, as a text/plain form writes it.
async function submit(url, enctype, text) {
    const target = document.createElement("iframe");
    target.name = `answer-${document.forms.length}`;
    document.body.append(target);
    const form = Object.assign(document.createElement("form"), {action: url, method: "post", enctype, target: target.name});
    form.append(Object.assign(document.createElement("input"), {name: text, value: ""}));
    document.body.append(form);
    const loaded = new Promise(resolve => { target.onload = resolve; });
    form.submit();
    await loaded;
}
