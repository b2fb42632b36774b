var t=e=>postMessage(e);addEventListener("message",({data:e})=>{t({type:"failed",request:null,reason:`not there yet: ${e.type}`})});
