use rumormill_theory::*;
use std::time::Instant;
fn main(){
 let a: Vec<String>=std::env::args().collect();
 let n: u64 = a[1].parse::<f64>().unwrap() as u64;
 let style = match a[2].as_str(){"push"=>Style::Push,"pull"=>Style::Pull,_=>Style::PushPull};
 let k:u64=a[3].parse().unwrap(); let loss:f64=a[4].parse().unwrap();
 let engine = match a.get(5).map(|s|s.as_str()){Some("f")=>Some(Engine::Forward),Some("b")=>Some(Engine::Backward),_=>None};
 let refine = a.get(6).map_or(1,|s|s.parse().unwrap());
 let cov = a.get(7).map_or(1.0,|s|s.parse().unwrap());
 let sp=Spread{fanout:k,loss,coverage:cov,..Spread::new(n,style)};
 let t=Instant::now();
 let d=sp.solve_with(Options{engine,refine,rounds:0,..Default::default()}).unwrap();
 let el=t.elapsed().as_secs_f64();
 println!("{:?} time {:.6} rounds {} mean {:.15} var {:.15} msgs {:.9} err {:e} p99 {:?}",d.engine,el,d.survival.len(),d.mean,d.variance,d.messages,d.error,d.percentile(99.0));
 if std::env::var("V").is_err(){return;}
 let l=d.survival.len();
 for x in 0..8 { let i=(d.mean as usize+4*x/2).saturating_sub(4); if i<l {print!("{}:{:.16e} ",i,d.survival[i]);} }
 println!("\n last {:e}", d.survival[l-1]);
}
